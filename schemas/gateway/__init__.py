"""What the HTTP gateway adds to the contract: headers, and bodies in the vendors' own formats."""

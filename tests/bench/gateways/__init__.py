"""The HTTP gateway: its cost, alone and beside other gateways."""

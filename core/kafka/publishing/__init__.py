"""Parts of the publisher: records on their way, and topics that do not exist."""

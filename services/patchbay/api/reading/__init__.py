"""What GET requests read: questions that arrive together are one statement, in one snapshot."""

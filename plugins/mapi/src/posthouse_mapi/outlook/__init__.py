"""Mail through Outlook's object model."""

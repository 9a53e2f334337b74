"""The page that shows, in development, the mails that would have been sent."""

"""What is true of users, accounts, sessions and tokens, whoever asks and wherever they are kept."""

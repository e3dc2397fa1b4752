"""`python -m campaigns`."""

from campaigns.cli import main

main()

"""`python -m local` is `dicomsearch`: a supervisor is started so, wherever the command is installed."""

from indexer.cli import main

main()

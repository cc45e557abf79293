"""python -m vae_core: the command line. Importing it imports no torch."""

from vae_core.cli import main

if __name__ == "__main__":
    main()

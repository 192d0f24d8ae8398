"""``python -m createflow`` is the command itself."""

from createflow.cli.app import main

if __name__ == "__main__":
    main()

"""`python -m cocadesk` and the `cocadesk` script."""

from cocadesk.cli.main import main

if __name__ == "__main__":
    main()

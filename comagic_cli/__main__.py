"""Run the program as `python -m comagic_cli`."""

from comagic_cli.cli.main import run

if __name__ == "__main__":
    run()

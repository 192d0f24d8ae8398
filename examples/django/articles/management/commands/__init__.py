"""For manage.py."""

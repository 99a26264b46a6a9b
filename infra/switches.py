"""What is made only once the code that it calls exists."""

# `python3 -m pipeline monitor`: its trigger, topic and schedule, and the alerts on what it finds
MONITORED = False

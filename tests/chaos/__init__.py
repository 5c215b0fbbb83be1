"""What is killed, paused and woken under load, and what must hold afterwards."""

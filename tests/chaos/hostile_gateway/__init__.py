"""`make chaos-hostile`: hostile clients of the HTTP gateway, while an honest client is served."""

"""FastAGI: Asterisk asks over TCP what to do with a call; the codec is pure, the server is not."""

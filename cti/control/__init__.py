"""What an agent does with the call in hand: hand it on, hang up, mute, press keys."""

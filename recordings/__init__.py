"""Recording: each talk as one stereo file (left the customer, right the agent), and its words."""

"""More attributes and composites for a trained run, on its frozen backbone."""

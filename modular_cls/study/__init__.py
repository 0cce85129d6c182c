"""Many runs compared: methods x images kept x seeds."""

"""Data: manifest, scarcity, pictures, loaders, and the built-in faces."""

"""What the claims of the lecture share: cells, statements, curves, sets, nets and their training."""

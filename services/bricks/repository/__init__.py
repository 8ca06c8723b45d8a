"""The signed repository that bricks are published in."""

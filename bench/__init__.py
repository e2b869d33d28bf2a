"""Side-by-side measurements: userapp, its peers and bare floors on one machine; see README.md beside this file."""

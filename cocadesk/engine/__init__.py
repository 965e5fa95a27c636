"""The models: loading, encoding, decoding. The only package that imports torch."""

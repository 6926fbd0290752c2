"""NumPy and SciPy only: averages, mean field, clouds, spectra, number formats, statistics."""

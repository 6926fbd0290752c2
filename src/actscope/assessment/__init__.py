"""Does an activation preserve or destroy the geometry that deeper layers need?"""

"""Classifiers of pictures: build, judge, publish, compare, predict."""

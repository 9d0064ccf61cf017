"""Forecasters of series: build, judge, publish, compare, predict."""

"""Tensor semantics other than operations: conversion, memory layout, printing."""

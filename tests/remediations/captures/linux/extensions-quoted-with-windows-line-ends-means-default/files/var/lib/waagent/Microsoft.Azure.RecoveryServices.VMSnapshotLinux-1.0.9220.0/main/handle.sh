#!/usr/bin/env sh

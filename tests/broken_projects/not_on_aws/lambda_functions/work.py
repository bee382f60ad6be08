# ---
# MemorySize: 512   # MB
# Timeout: 60       # seconds
# ---

import json

import boto3
import requests

from lambda_functions.other import handler as other
from lambda_functions.shared import answer, answers


def handler(event, context):
    return event

"""Models that run on a server: any OpenAI-compatible endpoint.

``detection`` asks a server what it is, ``client`` sends requests, ``grammar`` and
``matching`` keep the form of answers, ``backend`` is the ``Backend`` of the study.
"""

"""A question in, an answer out: retrieval, evidence, citations and refusals."""

"""The Race network for Python: its messages and queries (race_client.race), and sessions.

Types of Cosmos are those of cosmpy, so that a message goes into cosmpy's Transaction as it is.
"""

# It makes cosmos, amino and gogoproto importable under the names that generated code uses.
import cosmpy.protos  # noqa: F401

from race_client.session import Answer, AnswerRefused, Opened, Session, open_session

__all__ = ["Answer", "AnswerRefused", "Opened", "Session", "open_session"]

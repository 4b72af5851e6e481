"""HKDF-SHA256 (RFC 5869) by Python's hmac, first block: the expected values of key_test.cpp.

The function is checked here against test case 1 of the RFC's appendix A before it is used."""
import hashlib
import hmac


def hkdf(key, salt, info):
    extracted = hmac.new(salt or bytes(32), key, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


salt, info = bytes(range(13)), bytes(range(0xF0, 0xFA))
assert hkdf(b"\x0b" * 22, salt, info).hex() == (
    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf")
print(hkdf(b"\x0b" * 32, b"", b"").hex())
print(hkdf(b"\x0b" * 32, salt, b"\xf0\xf1\xf2").hex())

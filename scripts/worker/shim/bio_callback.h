// Put before DtlsTransport.cpp by the compiler's -include.
//
// That file hangs a callback on a BIO to see what OpenSSL wants to send, and the callback answers 1 to everything. For a
// control call the answer replaces the BIO's own, so an OpenSSL built with kernel TLS, as distributions build it, asks
// "is kernel TLS on?", hears yes, allocates no write buffer and crashes at the first handshake. Here the callback still
// sees every call, but what a finished call returned stays what it was.
#pragma once

#include <openssl/bio.h>

namespace rejoin
{
	// One is enough: the file has a single callback, and sets it on each BIO it makes.
	inline BIO_callback_fn_ex bioCallback{ nullptr };

	inline long onBio(
	  BIO* bio, int operation, const char* argp, size_t len, int argi, long argl, int ret, size_t* processed)
	{
		bioCallback(bio, operation, argp, len, argi, argl, ret, processed);

		// Before an operation 1 means "go on"; after it the value given back is the operation's result.
		return (operation & BIO_CB_RETURN) ? static_cast<long>(ret) : 1;
	}

	inline void setBioCallback(BIO* bio, BIO_callback_fn_ex callback)
	{
		bioCallback = callback;
		BIO_set_callback_ex(bio, onBio);
	}
} // namespace rejoin

// After the function above, which needs the real one.
#define BIO_set_callback_ex(bio, callback) ::rejoin::setBioCallback(bio, callback)

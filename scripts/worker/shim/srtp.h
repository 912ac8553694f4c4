// The part of libsrtp 3's interface that the worker uses, on top of libsrtp 2, the one that distributions package.
//
// Version 3 made the policy an object with setters, took separate buffers for input and output, and sizes as size_t. The
// functions of both versions have different parameters under the same names, so here they are simply overloads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

// The one name that both versions give to different types.
#define srtp_policy_t srtp2_policy_t
#include <srtp2/srtp.h>
#undef srtp_policy_t

// Error codes that version 2 does not have.
inline constexpr auto srtp_err_status_buffer_small = static_cast<srtp_err_status_t>(28);
inline constexpr auto srtp_err_status_cryptex_err  = static_cast<srtp_err_status_t>(29);

namespace rejoin
{
	struct SrtpPolicy
	{
		srtp2_policy_t policy{};
		// Version 2 wants key and salt in one piece, which has to live as long as the policy.
		unsigned char key[SRTP_MAX_KEY_LEN]{};
	};

	// Version 2 works in place: puts the packet where the result is wanted, and leaves room for what protection appends.
	inline srtp_err_status_t moveIn(const uint8_t* in, size_t inLen, uint8_t* out, size_t outSize, size_t room)
	{
		if (outSize < inLen + room)
		{
			return srtp_err_status_buffer_small;
		}

		if (in != out)
		{
			std::memmove(out, in, inLen);
		}

		return srtp_err_status_ok;
	}

	template<typename Operation>
	inline srtp_err_status_t inPlace(
	  const uint8_t* in, size_t inLen, uint8_t* out, size_t* outLen, size_t room, Operation operation)
	{
		srtp_err_status_t err = moveIn(in, inLen, out, *outLen, room);

		if (err != srtp_err_status_ok)
		{
			return err;
		}

		int len = static_cast<int>(inLen);

		err = operation(out, &len);

		if (err == srtp_err_status_ok)
		{
			*outLen = static_cast<size_t>(len);
		}

		return err;
	}
} // namespace rejoin

using srtp_policy_t = rejoin::SrtpPolicy*;

/* Policy. */

inline srtp_err_status_t srtp_policy_create(srtp_policy_t* policy)
{
	*policy = new (std::nothrow) rejoin::SrtpPolicy();

	return *policy ? srtp_err_status_ok : srtp_err_status_alloc_fail;
}

inline void srtp_policy_destroy(srtp_policy_t policy)
{
	if (policy)
	{
		// Key material is not left behind in freed memory; volatile keeps the compiler from dropping the writes.
		for (volatile unsigned char& byte : policy->key)
		{
			byte = 0;
		}
	}

	delete policy;
}

inline srtp_err_status_t srtp_policy_set_ssrc(srtp_policy_t policy, srtp_ssrc_t ssrc)
{
	policy->policy.ssrc = ssrc;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_profile(srtp_policy_t policy, srtp_profile_t profile)
{
	const srtp_err_status_t err = srtp_crypto_policy_set_from_profile_for_rtp(&policy->policy.rtp, profile);

	return err == srtp_err_status_ok ? srtp_crypto_policy_set_from_profile_for_rtcp(&policy->policy.rtcp, profile) : err;
}

inline srtp_err_status_t srtp_policy_add_key(
  srtp_policy_t policy,
  const uint8_t* key,
  size_t keyLen,
  const uint8_t* salt,
  size_t saltLen,
  const uint8_t* /*mki*/,
  size_t mkiLen)
{
	// The worker adds one key and never a key identifier.
	if (mkiLen != 0 || keyLen + saltLen > sizeof(policy->key))
	{
		return srtp_err_status_bad_param;
	}

	std::memcpy(policy->key, key, keyLen);
	std::memcpy(policy->key + keyLen, salt, saltLen);
	policy->policy.key = policy->key;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_allow_repeat_tx(srtp_policy_t policy, bool allow)
{
	policy->policy.allow_repeat_tx = allow ? 1 : 0;

	return srtp_err_status_ok;
}

inline srtp_err_status_t srtp_policy_set_window_size(srtp_policy_t policy, size_t size)
{
	policy->policy.window_size = size;

	return srtp_err_status_ok;
}

/* Session. */

inline srtp_err_status_t srtp_create(srtp_t* session, srtp_policy_t policy)
{
	return srtp_create(session, &policy->policy);
}

inline srtp_err_status_t srtp_stream_remove(srtp_t session, uint32_t ssrc)
{
	return srtp_remove_stream(session, ssrc);
}

/* Packets. */

inline srtp_err_status_t srtp_protect(
  srtp_t session, const uint8_t* rtp, size_t rtpLen, uint8_t* srtp, size_t* srtpLen, size_t /*mkiIndex*/)
{
	return rejoin::inPlace(
	  rtp,
	  rtpLen,
	  srtp,
	  srtpLen,
	  SRTP_MAX_TRAILER_LEN,
	  [session](uint8_t* packet, int* len) { return srtp_protect(session, static_cast<void*>(packet), len); });
}

inline srtp_err_status_t srtp_unprotect(
  srtp_t session, const uint8_t* srtp, size_t srtpLen, uint8_t* rtp, size_t* rtpLen)
{
	return rejoin::inPlace(
	  srtp,
	  srtpLen,
	  rtp,
	  rtpLen,
	  0,
	  [session](uint8_t* packet, int* len) { return srtp_unprotect(session, static_cast<void*>(packet), len); });
}

inline srtp_err_status_t srtp_protect_rtcp(
  srtp_t session, const uint8_t* rtcp, size_t rtcpLen, uint8_t* srtcp, size_t* srtcpLen, size_t /*mkiIndex*/)
{
	return rejoin::inPlace(
	  rtcp,
	  rtcpLen,
	  srtcp,
	  srtcpLen,
	  // The index word of SRTCP comes on top of the trailer.
	  SRTP_MAX_TRAILER_LEN + sizeof(uint32_t),
	  [session](uint8_t* packet, int* len) { return srtp_protect_rtcp(session, static_cast<void*>(packet), len); });
}

inline srtp_err_status_t srtp_unprotect_rtcp(
  srtp_t session, const uint8_t* srtcp, size_t srtcpLen, uint8_t* rtcp, size_t* rtcpLen)
{
	return rejoin::inPlace(
	  srtcp,
	  srtcpLen,
	  rtcp,
	  rtcpLen,
	  0,
	  [session](uint8_t* packet, int* len) { return srtp_unprotect_rtcp(session, static_cast<void*>(packet), len); });
}

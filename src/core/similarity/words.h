/*
 * words.h
 *	  Which characters words are made of.
 */
#ifndef RECO_CORE_SIMILARITY_WORDS_H
#define RECO_CORE_SIMILARITY_WORDS_H

#include "core/base/env.h"

/* Letter, digit or combining mark of any script; code is a Unicode code point. */
extern bool reco_in_word(uint32_t code);

#endif /* RECO_CORE_SIMILARITY_WORDS_H */

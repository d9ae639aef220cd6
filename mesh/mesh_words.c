/* SPDX-License-Identifier: Apache-2.0 */
/* mesh_words.c - the list, and comparing what was typed. */
#include "mesh/mesh_words.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Plain English words of at most eight letters; the order is part of the protocol. */
static const char *const words[MESH_WORDS_N] = {
	"acid", "acorn", "actor", "alarm", "album", "alley", "amber", "angel", "ankle", "apple", "apron", "arena",
	"armor", "arrow", "atlas", "attic", "autumn", "bacon", "badge", "baker", "balcony", "bamboo", "banana",
	"banjo", "barley", "barn", "basil", "basket", "beach", "bean", "bear", "beaver", "bell", "bench", "berry",
	"bicycle", "bird", "biscuit", "blanket", "bonfire", "book", "bottle", "branch", "bread", "breeze", "brick",
	"bridge", "broom", "brush", "bucket", "butter", "button", "cabin", "cable", "cactus", "camel", "camera",
	"candle", "canoe", "canvas", "carpet", "carrot", "castle", "cattle", "cedar", "cellar", "chain", "chalk",
	"cheese", "cherry", "chess", "chimney", "cinema", "circle", "citrus", "clay", "clock", "cloud", "clover",
	"coast", "cobalt", "coffee", "comet", "copper", "coral", "cotton", "cousin", "cradle", "crane", "crayon",
	"cricket", "crown", "crystal", "curtain", "cushion", "daisy", "dancer", "desert", "diamond", "dinner",
	"doctor", "dolphin", "donkey", "dragon", "drawer", "drum", "eagle", "earth", "echo", "elbow", "engine",
	"envelope", "evening", "fabric", "falcon", "farmer", "feather", "fence", "ferry", "fiddle", "finger",
	"flag", "flame", "flour", "flute", "forest", "fossil", "fountain", "fox", "frost", "galaxy", "garden",
	"garlic", "gate", "ginger", "giraffe", "glacier", "glove", "goat", "golden", "grape", "gravel", "guitar",
	"hammer", "harbor", "harvest", "hazel", "helmet", "hill", "honey", "hotel", "igloo", "island", "ivory",
	"jacket", "jaguar", "jelly", "jigsaw", "jungle", "kettle", "kitchen", "kite", "ladder", "lagoon", "lamp",
	"lantern", "laundry", "leaf", "lemon", "letter", "library", "lily", "lion", "lizard", "lobster", "magnet",
	"mango", "maple", "marble", "market", "meadow", "melon", "mirror", "monkey", "moon", "motor", "mountain",
	"museum", "mushroom", "needle", "nest", "noodle", "oasis", "ocean", "olive", "onion", "orange", "orchid",
	"otter", "oven", "owl", "oyster", "paddle", "palace", "panda", "paper", "parrot", "peach", "pebble",
	"pencil", "pepper", "piano", "pigeon", "pillow", "pilot", "pine", "planet", "plum", "pocket", "pony",
	"potato", "pumpkin", "puzzle", "pyramid", "rabbit", "radio", "raven", "ribbon", "river", "rocket", "saddle",
	"salmon", "sandal", "saturn", "shadow", "sheep", "ship", "silver", "snow", "spoon", "squirrel", "sugar",
	"summer", "table", "tiger", "tomato", "tower", "train", "tulip", "turtle", "valley", "velvet", "violin",
	"walnut", "window", "winter",
};

char *mesh_words_text(const uint8_t b[MESH_WORDS_BYTES], char buf[MESH_WORDS_TEXT])
{
	snprintf(buf, MESH_WORDS_TEXT, "%s %s %s %s", words[b[0]], words[b[1]], words[b[2]], words[b[3]]);
	return buf;
}

/* Steps over what separates words. */
static const char *skip(const char *p)
{
	while (*p && strchr(" \t,.-_", *p))
		p++;
	return p;
}

bool mesh_words_match(const uint8_t b[MESH_WORDS_BYTES], const char *typed)
{
	const char *p = skip(typed);

	for (size_t i = 0; i < MESH_WORDS_BYTES; i++) {
		size_t n = strlen(words[b[i]]);

		if (strncasecmp(p, words[b[i]], n) != 0 || isalpha((unsigned char)p[n]))
			return false;
		p = skip(p + n);
	}
	return *p == '\0';
}

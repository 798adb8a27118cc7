// JSON that a sentry sent, which may be anything. Values are taken one after the other; nothing is read beyond the end.

#include "front.h"

#include <ctype.h>
#include <string.h>

enum { NESTING_MAX = 32, DIGITS_MAX = 15 };

static void skip_space(struct json *json) {
  while (json->at < json->end && memchr(" \t\n\r", *json->at, 4) != NULL) json->at++;
}

bool json_token(struct json *json, char token) {
  skip_space(json);
  if (json->at == json->end || *json->at != token) return false;
  json->at++;
  return true;
}

static bool take_word(struct json *json, const char *word) {
  size_t length = strlen(word);
  if ((size_t)(json->end - json->at) < length || memcmp(json->at, word, length) != 0) return false;
  json->at += length;
  return true;
}

bool json_boolean(struct json *json, bool *value) {
  skip_space(json);
  *value = take_word(json, "true");
  return *value || take_word(json, "false");
}

bool json_number(struct json *json, uint64_t *value) {
  const char *first;
  skip_space(json);
  *value = 0;
  for (first = json->at; json->at < json->end && isdigit((unsigned char)*json->at); json->at++) {
    if (json->at - first == DIGITS_MAX) return false;
    *value = *value * 10 + (uint64_t)(*json->at - '0');
  }
  return json->at > first;
}

/** Four hexadecimal digits, or -1. */
static int32_t take_unit(struct json *json) {
  int32_t unit = 0;
  if (json->end - json->at < 4) return -1;
  for (int digit = 0; digit < 4; digit++) {
    char character = *json->at++;
    if (!isxdigit((unsigned char)character)) return -1;
    unit = unit * 16 + (isdigit((unsigned char)character) ? character - '0' : tolower(character) - 'a' + 10);
  }
  return unit;
}

/** As UTF-8. */
static void add_character(struct text *text, uint32_t point) {
  char bytes[4];
  size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t at = length - 1; at > 0; at--) {
    bytes[at] = (char)(0x80 | (point & 0x3f));
    point >>= 6;
  }
  bytes[0] = (char)(leads[length] | point);
  add_bytes(text, bytes, length);
}

/** Behind "\u". Half a pair stands for nothing. */
static bool take_escaped_unit(struct json *json, struct text *value) {
  int32_t unit = take_unit(json);
  if (unit < 0) return false;
  if (unit >= 0xd800 && unit < 0xdc00) {
    if (!take_word(json, "\\u")) return false;
    int32_t low = take_unit(json);
    if (low < 0xdc00 || low > 0xdfff) return false;
    unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
  } else if (unit >= 0xdc00 && unit <= 0xdfff) {
    return false;
  }
  // A string of C ends there; no name of a program has one.
  if (unit == 0) return false;
  add_character(value, (uint32_t)unit);
  return true;
}

static bool take_escape(struct json *json, struct text *value) {
  static const char letters[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  if (json->at == json->end) return false;
  char letter = *json->at++;
  if (letter == 'u') return take_escaped_unit(json, value);
  const char *found = memchr(letters, letter, sizeof letters - 1);
  if (found == NULL) return false;
  add_bytes(value, meanings + (found - letters), 1);
  return true;
}

bool json_string(struct json *json, struct text *value) {
  add_bytes(value, "", 0);
  if (!json_token(json, '"')) return false;
  while (json->at < json->end) {
    char character = *json->at++;
    if (character == '"') return true;
    if (character == '\\') {
      if (!take_escape(json, value)) return false;
    } else if ((unsigned char)character < ' ') {
      return false;
    } else {
      add_bytes(value, &character, 1);
    }
  }
  return false;
}

static bool skip_scalar(struct json *json) {
  const char *first = json->at;
  while (json->at < json->end && (isalnum((unsigned char)*json->at) || memchr("+-.", *json->at, 3) != NULL)) json->at++;
  return json->at > first;
}

static bool skip_string(struct json *json) {
  if (!json_token(json, '"')) return false;
  while (json->at < json->end) {
    char character = *json->at++;
    if (character == '"') return true;
    if (character == '\\' && json->at < json->end) json->at++;
  }
  return false;
}

/** To the bracket that ends it. */
static bool skip_nested(struct json *json) {
  int depth = 0;
  for (;;) {
    skip_space(json);
    if (json->at == json->end) return false;
    if (memchr("{[", *json->at, 2) != NULL) {
      if (++depth > NESTING_MAX) return false;
      json->at++;
    } else if (memchr("}]", *json->at, 2) != NULL) {
      json->at++;
      if (--depth == 0) return true;
    } else if (*json->at == '"') {
      if (!skip_string(json)) return false;
    } else if (memchr(",:", *json->at, 2) != NULL) {
      json->at++;
    } else if (!skip_scalar(json)) {
      return false;
    }
  }
}

bool json_skip(struct json *json) {
  skip_space(json);
  if (json->at == json->end) return false;
  if (memchr("{[", *json->at, 2) != NULL) return skip_nested(json);
  return *json->at == '"' ? skip_string(json) : skip_scalar(json);
}

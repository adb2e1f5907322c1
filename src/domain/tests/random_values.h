// Random twins and messages from a seed, so that a failing case can be run again.
#pragma once

#include <string>

#include "base/json.h"
#include "base/random.h"
#include "domain/message.h"

namespace selvage::domain::testing {

inline std::size_t below(Random& random, std::size_t limit) { return static_cast<std::size_t>(random.next() % limit); }

inline std::string random_bytes(Random& random, std::size_t size_max) {
    std::string bytes(below(random, size_max + 1), '\0');
    random.fill(std::as_writable_bytes(std::span(bytes.data(), bytes.size())));
    return bytes;
}

// Few keys, so that patches hit what is there.
inline std::string random_key(Random& random) { return std::string(1, static_cast<char>('a' + below(random, 5))); }

enum class Nulls { no, yes };

JsonObject random_object(Random& random, std::size_t depth, Nulls nulls);

inline Json random_value(Random& random, std::size_t depth, Nulls nulls) {
    switch (below(random, depth == 0 ? 5 : 9)) {
        case 0: return Json(static_cast<std::int64_t>(below(random, 3)));
        case 1: return Json(static_cast<double>(below(random, 1000)) / 8);  // exact, however it is parsed
        case 2: return Json(random.next() % 2 == 0);
        case 3: return Json("text" + std::to_string(below(random, 3)));
        case 4: return nulls == Nulls::yes ? Json(nullptr) : Json(static_cast<std::int64_t>(7));
        case 5: {
            JsonArray array;
            for (std::size_t i = below(random, 3); i > 0; --i) array.push_back(random_value(random, depth - 1, Nulls::no));
            return array;
        }
        default: return random_object(random, depth - 1, nulls);
    }
}

inline JsonObject random_object(Random& random, std::size_t depth, Nulls nulls) {
    JsonObject object;
    for (std::size_t i = below(random, 5); i > 0; --i) {
        const std::string key = random_key(random);
        object[key] = random_value(random, depth, nulls);
    }
    return object;
}

inline Message random_message(Random& random) {
    Message message;
    message.body = random_bytes(random, 300);
    for (std::size_t i = below(random, 6); i > 0; --i) {
        Property property{random_bytes(random, 20), std::nullopt};
        if (random.next() % 4 != 0) property.value = random_bytes(random, 200);
        message.properties.push_back(std::move(property));
    }
    constexpr SystemProperty kSome[] = {SystemProperty::message_id, SystemProperty::to, SystemProperty::correlation_context,
                                        SystemProperty::connection_device_id, SystemProperty::lock_token};
    for (const SystemProperty property : kSome)
        if (random.next() % 2 == 0) message.set(property, random_bytes(random, 40));
    return message;
}

}  // namespace selvage::domain::testing

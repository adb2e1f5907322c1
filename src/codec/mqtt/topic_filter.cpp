// Topic names against topic filters, MQTT 3.1.1 section 4.7.
#include "codec/mqtt/packet.h"
#include "codec/mqtt/text.h"

namespace selvage::codec::mqtt {
namespace {

// Cuts the first level off; false when there is none left.
bool take_level(std::string_view& rest, bool& more, std::string_view& level) {
    if (!more) return false;
    const auto slash = rest.find('/');
    level = rest.substr(0, slash);
    more = slash != std::string_view::npos;
    rest = more ? rest.substr(slash + 1) : std::string_view{};
    return true;
}

}  // namespace

bool is_valid_filter(std::string_view filter) {
    if (filter.empty() || filter.size() > 65535 || !is_mqtt_text(filter)) return false;
    bool more = true;
    std::string_view level;
    while (take_level(filter, more, level)) {
        // A wildcard stands alone in its level, and '#' is the last one (MQTT-4.7.1-2, MQTT-4.7.1-3).
        if (level.size() > 1 && level.find_first_of("+#") != std::string_view::npos) return false;
        if (level == "#" && more) return false;
    }
    return true;
}

bool matches(std::string_view filter, std::string_view topic) {
    // MQTT-4.7.2-1: a leading wildcard does not reach the server's own topics.
    if (!topic.empty() && topic.front() == '$' && !filter.empty() && (filter.front() == '#' || filter.front() == '+'))
        return false;
    bool filter_more = true;
    bool topic_more = true;
    std::string_view wanted;
    std::string_view level;
    while (take_level(filter, filter_more, wanted)) {
        if (wanted == "#") return true;   // also the parent level itself: "a/#" matches "a"
        if (!take_level(topic, topic_more, level)) return false;
        if (wanted != "+" && wanted != level) return false;
        if (!topic_more && filter_more && filter == "#") return true;
    }
    return !topic_more;
}

}  // namespace selvage::codec::mqtt

// An input whose own name looks as if it ended with a priority is written with its underscore escaped, so that no two
// endpoints share a queue.
#include "edge/hub/store/queue_name.h"

#include "base/encoding.h"

namespace selvage::edge::hub {
namespace {

constexpr std::string_view kUpstreamName = "iothub";
constexpr std::string_view kPrioritySuffix = "_Pri";

bool ends_with_priority(std::string_view text) {
    return text.size() > kPrioritySuffix.size() && text.back() >= '0' && text.back() <= '9' &&
           text.substr(0, text.size() - 1).ends_with(kPrioritySuffix);
}

std::string escape(std::string_view part, bool last) {
    std::string text;
    const auto guarded = last && ends_with_priority(part) ? part.size() - kPrioritySuffix.size() - 1 : part.npos;
    for (std::size_t i = 0; i < part.size(); ++i) {
        if (part[i] == '%')
            text += "%25";
        else if (part[i] == '/')
            text += "%2F";
        else if (i == guarded)
            text += "%5F";
        else
            text += part[i];
    }
    return text;
}

}  // namespace

std::string queue_name(const QueueAddress& address, std::string_view edge_device) {
    std::string name;
    if (const auto* input = std::get_if<query::ModuleInputSink>(&address.sink)) {
        name.append(edge_device).append("/").append(escape(input->module, false)).append("/");
        name.append(escape(input->input, true));
    } else {
        name = kUpstreamName;
    }
    if (address.priority != query::kDefaultPriority) name.append(kPrioritySuffix).append(std::to_string(address.priority));
    return name;
}

std::optional<QueueAddress> parse_queue_name(std::string_view name, std::string_view edge_device) {
    QueueAddress address;
    if (ends_with_priority(name)) {
        address.priority = static_cast<std::uint32_t>(name.back() - '0');
        name.remove_suffix(kPrioritySuffix.size() + 1);
    }
    if (name == kUpstreamName) return address;
    if (!name.starts_with(edge_device)) return std::nullopt;
    name.remove_prefix(edge_device.size());
    const auto slash = name.find('/', 1);
    if (!name.starts_with('/') || slash == name.npos) return std::nullopt;
    const auto module = percent_decode(name.substr(1, slash - 1));
    const auto input = percent_decode(name.substr(slash + 1));
    if (!module || !input || module->empty() || input->empty()) return std::nullopt;
    address.sink = query::ModuleInputSink{*module, *input};
    return address;
}

}  // namespace selvage::edge::hub

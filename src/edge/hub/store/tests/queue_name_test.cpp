#include "edge/hub/store/queue_name.h"

#include <gtest/gtest.h>

namespace selvage::edge::hub {
namespace {

using query::ModuleInputSink;
using query::UpstreamSink;

TEST(QueueName, IsReadableAndComesBack) {
    struct Row {
        QueueAddress address;
        const char* name;
    };
    const Row rows[] = {
        {{UpstreamSink{}}, "iothub"},
        {{UpstreamSink{}, 0}, "iothub_Pri0"},
        {{ModuleInputSink{"m", "in"}}, "edge/m/in"},
        {{ModuleInputSink{"m", "in"}, 9}, "edge/m/in_Pri9"},
        // An input that is called like a priority has a queue of its own.
        {{ModuleInputSink{"m", "in_Pri9"}}, "edge/m/in%5FPri9"},
        {{ModuleInputSink{"m", "in_Pri9"}, 9}, "edge/m/in%5FPri9_Pri9"},
        {{ModuleInputSink{"50%", "a_b"}}, "edge/50%25/a_b"},
    };
    for (const auto& row : rows) {
        EXPECT_EQ(queue_name(row.address, "edge"), row.name);
        const auto back = parse_queue_name(row.name, "edge");
        ASSERT_TRUE(back.has_value()) << row.name;
        EXPECT_EQ(*back, row.address) << row.name;
    }
}

TEST(QueueName, OfAnotherKindIsNotTaken) {
    for (const auto* name : {"", "other", "edge", "edge/m", "edge//in", "edge/m/", "edger/m/in", "edge/%zz/in"})
        EXPECT_FALSE(parse_queue_name(name, "edge").has_value()) << name;
}

}  // namespace
}  // namespace selvage::edge::hub

// SPDX-License-Identifier: Apache-2.0
#include "ikealg/io/linux_port.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <string>
#include <utility>

using namespace ikealg;
using io::io_state;
using io::detail::device_facts;
using io::detail::device_fault;

namespace {

/// A port without a device.
struct plain_port : io::detail::linux_port {
    explicit plain_port(const std::string& device) : linux_port{device, zone_id{3}, false} {
        pool_ = io::frame_pool{1};
    }
    using linux_port::check_name;
    using linux_port::check_up;
    using linux_port::opened;
    void fail(device_fault fault) { fault_ = fault; }
};

}  // namespace

TEST_CASE("a port is ready, or failed for a reason that names the device") {
    plain_port port{"eth0"};
    CHECK(port.state() == io_state::ready);
    CHECK(port.error().empty());
    port.fail(device_fault::down());
    CHECK(port.state() == io_state::failed);
    CHECK(port.error() == "eth0: the device is down");
    port.fail(device_fault::gone("find the device", ENODEV));
    CHECK(port.state() == io_state::failed);
    CHECK(port.error() == "eth0: cannot find the device: No such device");
    port.fail({});
    CHECK(port.state() == io_state::ready);
}

TEST_CASE("a name that cannot be one is an error, a device that is down a warning") {
    configuration_report report;
    CHECK(plain_port{"eth0"}.check_name(report));
    CHECK(report.clean());
    CHECK_FALSE(plain_port{"eth 0"}.check_name(report));
    REQUIRE(report.errors.size() == 1);
    CHECK(report.errors[0] == configuration_error{"eth 0", "\"eth 0\" cannot be the name of a network device"});

    configuration_report up;
    plain_port port{"eth0"};
    device_facts facts;
    facts.flags = IFF_UP;
    port.check_up(facts, up);
    CHECK(port.state() == io_state::ready);
    CHECK(up.warnings.empty());
    facts.flags = 0;
    port.check_up(facts, up);
    CHECK(port.state() == io_state::failed);
    REQUIRE(up.warnings.size() == 1);
    CHECK(up.warnings[0] == configuration_error{"eth0", "eth0: the device is down"});

    // Opened all the same, since it may come up; with an error there is no port.
    const auto opened = plain_port::opened(std::move(port), up);
    REQUIRE(opened);
    CHECK(opened.warnings == up.warnings);
    CHECK_FALSE(plain_port::opened(plain_port{"eth 0"}, report));
}

TEST_CASE("frames are of the port's zone, as many as there are buffers") {
    plain_port port{"eth0"};
    CHECK(port.zone() == zone_id{3});
    CHECK(port.device() == "eth0");
    const io::frame only = port.make(100);
    REQUIRE(only);
    CHECK(only.zone() == zone_id{3});
    CHECK_FALSE(port.make(100));
    CHECK(port.counters().received == 0);
}

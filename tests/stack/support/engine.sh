# First process of the engine's own namespaces (mounts, processes, network, host name): when it ends, the kernel ends all others in
# them, and with those go the mounts, bridges, tunnels and firewall rules that the engine made. It ends when its standard input does,
# which is a pipe of the tests: nothing is left behind, however they end.
set -eu
echo 'waiting for a network'
read -r name address gateway
hostname "$name"
ip link set lo up
ip address add "$address" dev outside
ip link set outside up
ip route add default via "$gateway"
# On before the engine looks: else it turns it on itself, and sets FORWARD to DROP.
echo 1 >/proc/sys/net/ipv4/ip_forward
# Its key, and settings of an engine that this machine has otherwise.
mkdir -p /etc/docker
mount -t tmpfs tmpfs /etc/docker
# It would take this machine's containerd where one runs, which sees nothing of these namespaces.
if [ -d /run/containerd ]; then mount -t tmpfs tmpfs /run/containerd; fi
(dockerd "$@" </dev/null || true; echo 'dockerd has ended') &
cat >/dev/null

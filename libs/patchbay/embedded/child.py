"""
Become a server process that dies with its parent and is not root; run as a script, never imported.

    python -I -S child.py <parent's pid> <signal at its death> <identity> -- <command> ...

`identity` is `same`, `namespace` or `nobody`; see `unprivileged.py`. This is an exec shim and not a `preexec_fn`:
nothing of ours runs between fork and exec in a process with threads.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP = 28, 1 << 2
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE = 47, 2
CLONE_NEWUSER = 0x10000000
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
ID_IN_NAMESPACE = 1000  # any but 0


def main() -> None:
    """Take on the identity, tie this process to its parent, and become the command."""
    parent, death_signal, identity = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    command = sys.argv[5:]
    if identity == "namespace":
        enter_user_namespace()
    elif identity == "nobody":
        become_nobody()
    if sys.platform == "linux":
        # After the change of identity, which clears it.
        call("prctl", PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent died before its child was tied to it")
    os.execv(command[0], command)  # noqa: S606 -- becoming the command is what this is for


def enter_user_namespace() -> None:
    """Go on as somebody else than root in a namespace where that somebody is this user; files keep their owner."""
    user, group = os.getuid(), os.getgid()
    call("unshare", CLONE_NEWUSER)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"{ID_IN_NAMESPACE} {user} 1")
    write("/proc/self/gid_map", f"{ID_IN_NAMESPACE} {group} 1")


def become_nobody() -> None:
    """Go on as `nobody`, but able to pass through directories that are closed to it (a cache in root's home)."""
    import pwd  # noqa: PLC0415 -- few starts need it

    nobody = pwd.getpwnam("nobody")
    if sys.platform == "linux":
        # The capabilities stay at the change of user, and access(2) counts them; all but one are dropped below.
        call("prctl", PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)
    if sys.platform == "linux":
        bit = 1 << CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        sets = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)  # effective, permitted, inheritable; twice 32 bits
        call("capset", header, sets)
        call("prctl", PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def call(name: str, *arguments: object) -> None:
    """Call a function of libc, and end this process if it fails."""
    function = getattr(ctypes.CDLL(None, use_errno=True), name)
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        sys.exit(f"{name}: {os.strerror(number)}")


def write(path: str, text: str) -> None:
    """Write a file of the kernel in one call."""
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, text.encode())
    os.close(descriptor)


if __name__ == "__main__":
    main()

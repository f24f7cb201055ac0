$ echo x >f; install f g; stat -c %a g
755
~ busybox: no such applet

$ echo x >f; install -m 600 f g; stat -c %a g
600
~ busybox: no such applet

$ install -d a/b; ls a
b
~ busybox: no such applet

$ echo x >f; install -D f a/b/g; cat a/b/g
x
~ busybox: no such applet

$ echo x >f; mkdir d; install f d; ls d
f
~ busybox: no such applet

$ echo x >f; mkdir d; install -t d f; ls d
f
~ busybox: no such applet

$ install missing g
? 1
~ busybox: no such applet

$ echo x >f; touch -d 2000-01-01 f; install -p f g; stat -c %Y g
946684800
~ busybox: no such applet

$ echo x >f; echo y >g; install f g; cat g
x
~ busybox: no such applet

$ install -d -m 700 a; stat -c %a a
700
~ busybox: no such applet

$ mkdir d; install d e
? 1
~ busybox: no such applet

% root
$ echo x >f; install -o 1 -g 2 f g; stat -c %u:%g g
1:2
~ busybox: no such applet

$ install
? 1
~ busybox: no such applet

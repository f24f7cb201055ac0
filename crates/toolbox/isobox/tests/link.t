$ echo x >f; link f g; cat g; stat -c %h f
x
2

$ link f
? 1

$ link missing g
? 1

$ echo x >f; echo y >g; link f g
? 1

$ mkdir d; link d e
? 1

$ echo x >f; link f d/g
? 1

$ echo x >f; link f g; ls
f
g

$ link a b c
? 1

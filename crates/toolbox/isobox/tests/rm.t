$ echo >f; rm f; ls

$ rm missing
? 1

$ rm -f missing

$ mkdir d; rm d
? 1

$ mkdir -p d/e; echo >d/e/f; rm -r d; ls

$ mkdir -p d/e; rm -rf d; ls

$ ln -s /etc l; rm -r l; ls

$ mkdir d; ln -s /etc d/l; rm -r d; test -d /etc && echo there
there

$ echo >f; echo n | rm -i f 2>/dev/null; ls
f

$ echo >f; echo y | rm -i f 2>/dev/null; ls

$ rm
? 1

$ rm -f

$ mkdir d; rm -d d; ls
~ busybox: says: invalid option -- 'd'

$ rm -r .
? 1

$ echo >f; rm -v f
removed 'f'

$ echo >-f; rm -- -f; ls

$ mkdir d; cd d; mkdir -p a/a/a/a/a/a/a; rm -r a; ls

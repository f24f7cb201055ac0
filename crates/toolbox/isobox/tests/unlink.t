$ echo x >f; unlink f; ls

$ unlink missing
? 1

$ mkdir d; unlink d
? 1

$ ln -s x l; unlink l; ls

$ unlink
? 1

$ unlink a b
? 1

$ echo x >f; ln f g; unlink f; cat g
x

$ echo x >f; unlink ./f; ls

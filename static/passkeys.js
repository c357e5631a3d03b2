// Passkeys: signing in with a finger or a face.  Pages work without this file, by mail or password.
"use strict";

const bytesOf = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
const textOf = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function send(place, url, body) {
  const answer = await fetch(url, { method: "POST", headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": place.dataset.token }, body: JSON.stringify(body) });
  if (answer.redirected) { location.assign(answer.url); return new Promise(() => {}); }
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}

function readyToMake(told) {
  told.challenge = bytesOf(told.challenge);
  told.user.id = bytesOf(told.user.id);
  for (const one of told.excludeCredentials || []) one.id = bytesOf(one.id);
  return told;
}

function made(credential) {
  const answer = credential.response;
  return { id: credential.id, rawId: textOf(credential.rawId), type: credential.type, clientExtensionResults: {}, response: { clientDataJSON: textOf(answer.clientDataJSON), attestationObject: textOf(answer.attestationObject), transports: answer.getTransports ? answer.getTransports() : [] } };
}

function shown(credential) {
  const answer = credential.response;
  return { id: credential.id, rawId: textOf(credential.rawId), type: credential.type, clientExtensionResults: {}, response: { clientDataJSON: textOf(answer.clientDataJSON), authenticatorData: textOf(answer.authenticatorData), signature: textOf(answer.signature), userHandle: answer.userHandle ? textOf(answer.userHandle) : null } };
}

async function add(place) {
  const publicKey = readyToMake(await send(place, place.dataset.options, {}));
  const credential = await navigator.credentials.create({ publicKey });
  return send(place, place.dataset.finish, { credential: made(credential), name: place.querySelector("input").value });
}

async function signIn(place) {
  const told = await send(place, place.dataset.options, {});
  const credential = await navigator.credentials.get({ publicKey: { ...told, challenge: bytesOf(told.challenge), allowCredentials: [] } });
  return send(place, place.dataset.finish, shown(credential));
}

for (const place of document.querySelectorAll("[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  place.hidden = false;
  const act = place.dataset.passkey === "add" ? add : signIn;
  place.querySelector("button").addEventListener("click", async (event) => {
    const button = event.currentTarget, said = place.querySelector("[role=alert]");
    button.disabled = true;
    said.textContent = "";
    try {
      location.assign((await act(place)).to);
    } catch (error) {
      said.textContent = error.name === "NotAllowedError" ? place.dataset.stopped : error.message;
      button.disabled = false;
    }
  });
}
